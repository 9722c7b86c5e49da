"""What a person sees: screens as data, and the drawing of them."""
