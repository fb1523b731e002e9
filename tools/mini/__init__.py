"""How the embedded model is built, from weights and word lists that package indexes carry."""
