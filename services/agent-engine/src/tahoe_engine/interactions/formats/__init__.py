"""What interactions look like outside, a format a file; each makes a draft that `assembly.py` turns into the model."""
