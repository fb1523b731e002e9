"""Decoders, from a point in CLIP space to a sentence: zerocap (the paper's), search, prefix …"""
