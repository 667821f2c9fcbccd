"""What may be seen of the counts over HTTPS, and by whom."""
