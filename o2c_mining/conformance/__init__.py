"""How the cases compare with a reference model and with rules between documents."""
