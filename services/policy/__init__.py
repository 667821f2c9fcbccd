"""Local rules by date and region, and the working-day calendar. Pure: rules come in as arguments."""
