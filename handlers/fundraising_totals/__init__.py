"""What each charity has raised."""
