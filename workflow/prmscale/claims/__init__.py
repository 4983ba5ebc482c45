"""The paper's claims: one module each, the checks beside them, and the page that tells them."""
