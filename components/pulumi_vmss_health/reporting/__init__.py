"""A wait as a page or a picture, made of its evidence. Pure."""
