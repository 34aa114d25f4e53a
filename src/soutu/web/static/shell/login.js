/** Asking for the token. */

import { openDialog } from "../components/dialog.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

/** Ask for the token until the server takes it; resolves when there is a session. */
export async function login() {
  const fault = h("p", { class: "fault", role: "alert" });
  const input = h("input", {
    class: "input", type: "password", name: "token", required: true, autocomplete: "current-password",
    autofocus: true,
  });
  const form = h("form", { class: "stack" },
    h("p", { class: "quiet" }, t("login.text")),
    h("label", { class: "field" }, h("span", { class: "label" }, t("login.token")), input, fault),
    h("div", { class: "row" }, h("button", { class: "button primary grow" }, t("login.go"))));
  const dialog = openDialog({ title: t("login.title"), content: form, closable: false });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fault.textContent = "";
    try {
      await post(input.value);
      dialog.close();
    } catch (error) {
      fault.textContent = error.status === 401 ? t("login.wrong") : error.message || t("error.unreachable");
      input.select();
    }
  });
  await dialog.closed;
}

async function post(token) {
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status });
}
