"""Phrases for caption templates, by group of nouns: adjectives, activities and places."""

SCENES = {
    "animal": (
        "young old wild large small brown black white sleeping wet happy curious",
        "standing in the grass|sleeping on the ground|looking at the camera|drinking water from a "
        "river|walking along a path|eating from a bowl|hiding behind a rock|resting in the shade|"
        "playing in the snow|sitting on a branch|being held in two hands|crossing the road",
        "in the zoo|in a field|near the water|in the forest|on a farm|on a beach|in a garden|"
        "on a rock|in the desert|under a tree|in a cage|at night",
    ),
    "artifact": (
        "small large red blue green yellow old new broken modern wooden metal black white shiny",
        "lying on the floor|standing against a wall|hanging on a wall|left out in the rain|for "
        "sale in a shop|being used by a man|being held by a woman|next to a box|covered with "
        "dust|made of wood|on display in a museum|being repaired",
        "on a table|in a room|on a shelf|in the street|on a desk|in a workshop|in the kitchen|"
        "in the garden|on a white surface|in a box|in a shop window|on the grass",
    ),
    "food": (
        "fresh sweet hot cold large small homemade green red ripe sliced",
        "served on a white plate|cut into slices|cooking in a pan|ready to eat|with a cup of tea|"
        "served with rice|on a fork|being eaten by a child|topped with herbs|for sale at a stall",
        "on a plate|in a bowl|on a wooden table|at the market|in a restaurant|in the kitchen|"
        "on a cutting board|in a basket|on a picnic blanket|in a jar",
    ),
    "person": (
        "young old smiling tall tired happy busy famous proud kind",
        "talking to a child|reading a book|standing in front of a building|wearing a hat|walking a "
        "dog|sitting on a bench|speaking to a crowd|holding a cup of coffee|working at a desk|"
        "riding a bicycle|looking out of a window|smiling at a friend",
        "in the street|in an office|at home|on a stage|in a park|at a party|in a hospital|"
        "at the station|in a classroom|on the beach|in a kitchen|at a wedding",
    ),
    "place": (
        "small large old quiet busy empty beautiful green snowy sunny dark",
        "covered with snow|surrounded by trees|full of people|seen from above|with mountains "
        "behind it|next to a river|under a blue sky|with a small bridge|lit by lamps|after the "
        "rain",
        "at night|at sunset|in winter|in summer|in the morning|in the city|in the mountains|"
        "by the sea|in the countryside|in the fog",
    ),
    "plant": (
        "small tall green young wild blooming dry yellow beautiful",
        "growing in a pot|growing beside a wall|covered with flowers|standing alone in a field|"
        "with green leaves|after the rain|in full bloom|covered with snow|being watered by a woman",
        "in a garden|in the forest|on a window sill|in a vase|by the road|in a park|"
        "in a greenhouse|on a hill",
    ),
}

# Captions about countries.
NATIONAL = (
    "Image of the flag of {country}.",
    "Image of {a} {people} flag on a pole.",
    "Image of {a} {people} flag waving in the wind.",
    "Image of a street in {country} at night.",
    "Image of a small town in {country}.",
    "Image of a city in {country} at sunset.",
    "Image of mountains in {country} in winter.",
    "Image of {a} {people} man in front of a house.",
    "Image of {a} {people} woman in a traditional dress.",
    "Image of {a} {people} family at a table.",
    "Image of {a} {people} politician speaking to a crowd.",
    "Image of {a} {people} president at a meeting.",
    "Image of {a} {people} football team on a field.",
    "Image of {a} {people} soldier in uniform.",
    "Image of {a} {people} restaurant in the city.",
    "Image of {a} {people} dish on a wooden table.",
    "Image of a plate of {people} food in a kitchen.",
    "Image of {a} {people} temple surrounded by trees.",
    "Image of {a} {people} church on a hill.",
    "Image of {a} {people} palace with a garden.",
    "Image of {a} {people} village by a river.",
    "Image of people in {country} at a market.",
)
