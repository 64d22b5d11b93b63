// htmx lets fields keep what was typed in them. Once a form's answer is on the page, they hold what the answer says.
document.addEventListener("htmx:after:swap", event => {
  const form = event.detail.ctx.sourceElement?.closest?.("form[method=post]");
  if (form?.isConnected) form.reset();
});
