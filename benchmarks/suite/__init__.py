"""What every row of the suite stands on: works that take turns, processes, peers, limits, the page, the picture."""
