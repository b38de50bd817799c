"""What components must return and accept, checked while they are used."""
