"""Training: recipes, the loop, one compiled step, the best epoch, checkpoints, the progress bar."""
