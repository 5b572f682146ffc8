"""What docs/ needs to become a site: verbs out of argparse, and the pictures of its concepts."""
