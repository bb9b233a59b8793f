"""The demo cabinet as files: what `cabinet import` reads, and what lies in its pockets at first."""
