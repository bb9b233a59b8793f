"""What each package promises."""
