"""What plugin authors test with: nothing here is imported by Shoal when it runs."""
