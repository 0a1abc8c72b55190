"""How each archive is: probed, remembered, said on every page, and what follows when it is back."""
