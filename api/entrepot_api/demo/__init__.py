"""`make demo`: a product loses all its data and gets it back, in under two minutes, on this machine alone.

| file | is |
|---|---|
| `story` | what happens, in order, and what is printed |
| `stage` | the processes of the demo: started, found, stopped |
| `preferences` | a third-party product, Kinto, as the store of preferences |
| `orders` | a product of our own that knows who bought what |
| `insights` | a product that combines both into a third set of data, recommendations |
| `storefront` | the program whose traffic makes all of it |
| `snapshot` | everything a product holds, read through its own API, and the comparison of two such readings |
| `client` | the few lines of HTTP they share |

The products know nothing of Entrepot: they are told where the others are and which proxy to use, as any program is.
"""
