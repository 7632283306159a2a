// Requests to the server. The token comes in the fragment of the address and is kept for this tab.
const STORED = "wikirank-token";

function token() {
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get("token");
  if (fromAddress) {
    sessionStorage.setItem(STORED, fromAddress);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(STORED);
}

export async function request(path, options = {}) {
  const headers = { ...options.headers };
  const bearer = token();
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is `wikirank serve` still running?");
  }
  const body = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Error("The response of the server could not be read.");
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
