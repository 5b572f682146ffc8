"""Commands that show what the README claims; each prints a table or a verdict."""
