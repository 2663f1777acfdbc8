"""What sets a clone up and shows it at work; nothing here is part of the product."""
