"""Two engines that share no code give the same answers: the product's and a naive one."""
