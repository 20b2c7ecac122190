"""The ground that every Tahoe service stands on."""
