"""Who a request comes from: sessions, passwords, tokens, proxies, OIDC; and the gate in front of every route."""
