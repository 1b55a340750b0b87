// The console's script: links and forms that name a fragment replace that part of the page, and nothing else.
// Without it the same links and forms open whole pages.
"use strict";

(function () {
  const progress = document.getElementById("progress");
  const notice = document.getElementById("notice");
  let asked = 0;

  function busy(on) {
    if (progress) {
      progress.hidden = !on;
    }
    document.body.setAttribute("aria-busy", on ? "true" : "false");
  }

  function keepFocus(before, place) {
    if (!before) {
      return;
    }
    const again = before.id ? document.getElementById(before.id) : before.name ? place.querySelector('[name="' + before.name + '"]') : null;
    if (again) {
      again.focus();
      if (again.setSelectionRange && typeof before.at === "number") {
        again.setSelectionRange(before.at, before.at);
      }
    } else {
      place.setAttribute("tabindex", "-1");
      place.focus();
    }
  }

  function focused(place) {
    const now = document.activeElement;
    if (!now || !place.contains(now)) {
      return { id: "", name: "" };
    }
    let at = null;
    try {
      at = now.selectionStart;
    } catch (error) {
      at = null;
    }
    return { id: now.id, name: now.name || "", at: at };
  }

  async function replace(address, name, push) {
    const place = document.getElementById(name);
    if (!place) {
      window.location.assign(address);
      return;
    }
    const mine = ++asked;
    const before = focused(place);
    busy(true);
    try {
      const response = await fetch(address, { headers: { "X-Fragment": name }, credentials: "same-origin" });
      if (mine !== asked) {
        return;
      }
      if (response.redirected || !response.ok) {
        window.location.assign(address);
        return;
      }
      place.innerHTML = await response.text();
      if (push) {
        window.history.pushState({ fragment: name }, "", address);
      }
      keepFocus(before, place);
    } catch (error) {
      notice.textContent = document.body.getAttribute("data-failed");
    } finally {
      if (mine === asked) {
        busy(false);
      }
    }
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest ? event.target.closest("a[data-fragment]") : null;
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    replace(link.href, link.getAttribute("data-fragment"), true);
  });

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (form.method === "get" && form.hasAttribute("data-fragment")) {
      event.preventDefault();
      const address = new URL(form.action);
      address.search = new URLSearchParams(new FormData(form)).toString();
      replace(address.toString(), form.getAttribute("data-fragment"), true);
      return;
    }
    if (form.method === "post") {
      // A second press sends nothing; the key in the form makes a second request the same command in any case.
      if (form.getAttribute("aria-busy") === "true") {
        event.preventDefault();
        return;
      }
      form.setAttribute("aria-busy", "true");
      busy(true);
    }
  });

  window.addEventListener("pageshow", function () {
    busy(false);
    document.querySelectorAll('form[aria-busy="true"]').forEach(function (form) {
      form.removeAttribute("aria-busy");
    });
  });

  window.addEventListener("popstate", function () {
    window.location.reload();
  });
})();
