// Talks to the server on the same machine; nothing leaves it.
export const $ = id => document.getElementById(id);

export async function ask(path, options) {
  const response = await fetch(path, options).catch(() => { throw new Error("The server does not answer any more: start 'onnxvae serve' again."); });
  const answer = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
  if (!response.ok) {
    throw new Error(answer.error);
  }
  $("error").hidden = true;
  return answer;
}

// What goes wrong is shown on the page, which goes on.
export function explain(work) {
  return async (...values) => {
    try {
      await work(...values);
    } catch (error) {
      $("error").textContent = error.message;
      $("error").hidden = false;
    }
  };
}
