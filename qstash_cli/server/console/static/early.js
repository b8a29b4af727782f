// Until htmx has read the page, the browser would send a form itself, to an address that takes
// none. Such a click is repeated when the page is complete.
"use strict";

{
  let early;
  const hold = (event) => {
    if (event.target.hasAttribute("method")) return;
    event.preventDefault();
    early = event;
  };
  document.addEventListener("submit", hold);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("submit", hold);
    if (early?.submitter) early.submitter.click();
    else early?.target.requestSubmit();
  });
}
