"""The pages of sign-in: plain HTML and CSS, no script, nothing from elsewhere. Pure functions."""

from __future__ import annotations

from assistant.web.text import esc

POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors {ancestors}"
)
_STYLE = """
:root{color-scheme:light dark;--bg:#f4f6f8;--card:#fff;--ink:#16202c;--dim:#5b6877;--line:#cfd7e0;--accent:#0f5c7a;--on:#fff;--bad:#a3261b;--badbg:#fdecea}
@media(prefers-color-scheme:dark){:root:not(.light){--bg:#10161d;--card:#18212b;--ink:#dfe6ee;--dim:#93a1b0;--line:#34414e;--accent:#6fb8d6;--on:#0b1218;--bad:#ffb4a9;--badbg:#3a1c19}}
:root.dark{color-scheme:dark;--bg:#10161d;--card:#18212b;--ink:#dfe6ee;--dim:#93a1b0;--line:#34414e;--accent:#6fb8d6;--on:#0b1218;--bad:#ffb4a9;--badbg:#3a1c19}
:root.light{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:20px;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:380px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:28px}
.brand{display:flex;align-items:center;gap:10px;margin:0 0 18px;font-size:20px;font-weight:650}
.brand img{width:28px;height:28px}
h1{font-size:18px;margin:0 0 6px}
p{margin:0 0 16px;color:var(--dim);overflow-wrap:anywhere}
label{display:block;font-size:14px;font-weight:600;margin:14px 0 4px}
input{width:100%;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:10px 12px}
button,.button{display:block;width:100%;margin-top:20px;padding:11px 12px;border:0;border-radius:6px;background:var(--accent);color:var(--on);font:inherit;font-weight:650;text-align:center;text-decoration:none;cursor:pointer}
.plain{background:none;color:var(--accent);border:1px solid var(--line)}
:is(input,button,.button):focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.bad{margin:0 0 16px;padding:10px 12px;border-radius:6px;background:var(--badbg);color:var(--bad)}
"""


def sign_in(
    *, nonce: str, root: str, form: str, target: str, name: str = "", problem: str = "", theme: str = ""
) -> str:
    """Return the form. ``form``: what it must send back; ``target``: where to go then (from the root path on)."""
    body = (
        f"<h1>Sign in</h1><p>With the name and password that you were given.</p>{_problem(problem)}"
        f'<form method="post" action="{esc(root)}/login">'
        f'<input type="hidden" name="form" value="{esc(form)}"><input type="hidden" name="next" value="{esc(target)}">'
        f'<label for="name">Name</label><input id="name" name="name" value="{esc(name)}" autocomplete="username" '
        f'autocapitalize="none" spellcheck="false" maxlength="80" required{"" if name else " autofocus"}>'
        '<label for="password">Password</label><input id="password" name="password" type="password" '
        f'autocomplete="current-password" maxlength="1024" required{" autofocus" if name else ""}>'
        '<button type="submit">Sign in</button></form>'
    )
    return _frame("Sign in", body, nonce, root, theme)


def at_provider(
    *, nonce: str, root: str, host: str, start: str, target: str, framed: bool, problem: str = "", theme: str = ""
) -> str:
    """Return the page that leads to the provider: in a window of its own where this page stands in a frame."""
    where = ' target="_blank" rel="noopener"' if framed else ""
    then = f'<a class="button plain" href="{esc(root + target)}">I have signed in: go on</a>' if framed else ""
    body = (
        f"<h1>Sign in</h1><p>At {esc(host)}, with your usual account.</p>{_problem(problem)}"
        f'<a class="button" href="{esc(start)}"{where}>Sign in</a>{then}'
    )
    return _frame("Sign in", body, nonce, root, theme)


def sign_out(*, nonce: str, root: str, form: str, name: str) -> str:
    """Return the page that asks whether to sign out."""
    body = (
        f"<h1>Sign out</h1><p>You are signed in as {esc(name)}.</p>"
        f'<form method="post" action="{esc(root)}/logout"><input type="hidden" name="form" value="{esc(form)}">'
        '<button type="submit">Sign out</button></form>'
        f'<a class="button plain" href="{esc(root)}/">Back</a>'
    )
    return _frame("Sign out", body, nonce, root)


def told(*, nonce: str, root: str, title: str, text: str, link: str = "", label: str = "", bad: bool = False) -> str:
    """Return a page that says one thing; ``link``: where its button leads."""
    button = f'<a class="button" href="{esc(link)}">{esc(label)}</a>' if link else ""
    said = _problem(text) if bad else f"<p>{esc(text)}</p>"
    return _frame(title, f"<h1>{esc(title)}</h1>{said}{button}", nonce, root)


def _problem(text: str) -> str:
    return f'<p class="bad" role="alert">{esc(text)}</p>' if text else ""


def _frame(title: str, body: str, nonce: str, root: str, theme: str = "") -> str:
    shown = f' class="{theme}"' if theme in {"dark", "light"} else ""
    return (
        f'<!doctype html><html lang="en"{shown}><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{esc(title)} · Thesis</title><link rel="icon" href="{esc(root)}/icon.svg">'
        f'<style nonce="{nonce}">{_STYLE}</style></head><body><main><div class="brand">'
        f'<img src="{esc(root)}/icon.svg" alt=""><span>Thesis</span></div>{body}</main></body></html>'
    )
