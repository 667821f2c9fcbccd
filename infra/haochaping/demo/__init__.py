"""The demo: one morning of a province, drawn, played through a local stack, checked and reported."""
