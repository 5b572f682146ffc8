"""A module with a main that asks no parser."""


def main(argv):
    """Nothing."""
