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
    // A link in a drawing has no address of text but in its attribute.
    replace(link.getAttribute("href"), link.getAttribute("data-fragment"), true);
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

  // Photos of a phone are larger than a proof may be: they are made smaller here, so that nothing is sent in vain.
  async function smaller(file, bytesMax) {
    const photo = await window.createImageBitmap(file);
    let side = 2000;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const scale = Math.min(1, side / Math.max(photo.width, photo.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(photo.width * scale);
      canvas.height = Math.round(photo.height * scale);
      canvas.getContext("2d").drawImage(photo, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise(function (done) {
        canvas.toBlob(done, "image/jpeg", 0.85 - attempt * 0.05);
      });
      if (blob && blob.size <= bytesMax) {
        return new File([blob], file.name.replace(/\.[^.]*$/, "") + ".jpg", { type: "image/jpeg" });
      }
      side *= 0.75;
    }
    return file;
  }

  document.addEventListener("change", async function (event) {
    const field = event.target;
    const bytesMax = Number(field.getAttribute && field.getAttribute("data-photo-bytes"));
    const file = bytesMax && field.files ? field.files[0] : null;
    if (!file || file.size <= bytesMax || file.type.indexOf("image/") !== 0) {
      return;
    }
    busy(true);
    try {
      const chosen = new DataTransfer();
      chosen.items.add(await smaller(file, bytesMax));
      field.files = chosen.files;
    } catch (error) {
      // The service says what is wrong with the file as it is.
    } finally {
      busy(false);
    }
  });

  // A draft is checked as it is written: its form is sent in the background, and one part of the page replaced.
  let pause = 0;
  document.addEventListener("input", function (event) {
    const form = event.target.form;
    const name = form ? form.getAttribute("data-as-typed") : null;
    const place = name ? document.getElementById(name) : null;
    if (!place) {
      return;
    }
    window.clearTimeout(pause);
    pause = window.setTimeout(async function () {
      const mine = ++asked;
      busy(true);
      try {
        const body = new URLSearchParams(new FormData(form));
        const response = await fetch(form.action, { method: "POST", body: body, headers: { "X-Fragment": name }, credentials: "same-origin" });
        if (mine === asked && response.ok && !response.redirected) {
          place.innerHTML = await response.text();
        }
      } catch (error) {
        notice.textContent = document.body.getAttribute("data-failed");
      } finally {
        busy(false);
      }
    }, 500);
  });

  // What is under way is asked again until it is over.
  function followed() {
    const part = document.querySelector("[data-again]");
    if (!part) {
      return;
    }
    window.setTimeout(async function () {
      const place = document.getElementById(part.getAttribute("data-again"));
      try {
        const response = await fetch(window.location.href, { headers: { "X-Fragment": place.id }, credentials: "same-origin" });
        if (response.ok && !response.redirected) {
          place.innerHTML = await response.text();
        }
        followed();
      } catch (error) {
        notice.textContent = document.body.getAttribute("data-failed");
      }
    }, 1000);
  }
  followed();

  window.addEventListener("pageshow", function () {
    busy(false);
    document.querySelectorAll('form[aria-busy="true"]').forEach(function (form) {
      form.removeAttribute("aria-busy");
    });
  });

  // A screen on a wall is renewed by itself.
  const renew = Number(document.body.getAttribute("data-renew"));
  if (renew) {
    window.setTimeout(function () {
      window.location.reload();
    }, renew * 1000);
  }

  window.addEventListener("popstate", function () {
    window.location.reload();
  });
})();
