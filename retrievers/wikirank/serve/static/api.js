// Requests to the server. A token comes in the address's fragment and stays in this tab.
const STORED = "wikirank-token";

function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(STORED);
}

export async function request(path, options = {}) {
  const headers = { ...options.headers };
  const known = token();
  if (known) headers.Authorization = `Bearer ${known}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is `wikirank serve` still running?");
  }
  const body = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Error("The server's answer could not be read.");
  });
  if (!response.ok) throw new Error(body.message);
  return body;
}

export function search(query, signal) {
  return request("api/search", {
    method: "POST",
    signal,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(query),
  });
}
