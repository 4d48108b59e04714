"""What the maintainers run now and then to make files that are committed; no part of the product."""
