// What only the browser can do for the desk: keys, the address bar, countdowns, short messages.
// Text is only ever set as textContent; the one piece of HTML is the page's own list of keys.

const ACTIVE_EVERY = 45_000
const WARN_SECONDS = 120

function* roots(node) {
  yield node
  for (const each of node.querySelectorAll("*")) {
    if (each.shadowRoot) yield* roots(each.shadowRoot)
  }
}

// The first visible element of the selector; a selector does not reach into a shadow root, so that
// a part of a widget is asked for as "host >>> part".
function deep(from, selector) {
  const [host, part] = selector.split(" >>> ")
  for (const root of roots(from)) {
    for (const each of root.querySelectorAll(host)) {
      const found = part ? each.shadowRoot?.querySelector(part) : each
      if (found?.getClientRects().length) return found
    }
  }
  return null
}

const TYPED = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]"

export function render({ model, view }) {
  const life = new AbortController()
  const { signal } = life
  const owns = (event) => model.served || event.composedPath().some((n) => n.classList?.contains("wq-desk"))
  const send = (message) => model.send_msg(message)
  const scope = () => (model.served ? document : findDesk(el))

  // ------------------------------------------------------------------ short messages

  const live = document.createElement("div")
  live.className = "live"
  live.setAttribute("role", "status")
  live.setAttribute("aria-live", "polite")
  const warning = document.createElement("div")
  warning.className = "toast warn claim"
  warning.hidden = true
  warning.setAttribute("role", "alert")
  const warningText = document.createElement("span")
  const keep = document.createElement("button")
  keep.type = "button"
  keep.textContent = model.words.keep
  keep.addEventListener("click", () => send({ type: "active" }))
  warning.append(warningText, keep)
  const offline = document.createElement("div")
  offline.className = "toast bad"
  offline.hidden = true
  offline.setAttribute("role", "alert")
  const offlineText = document.createElement("span")
  offlineText.textContent = model.words.offline
  const again = document.createElement("button")
  again.type = "button"
  again.textContent = model.words.reload
  again.addEventListener("click", () => location.reload())
  offline.append(offlineText, again)
  const stack = document.createElement("div")
  stack.className = "stack"
  stack.append(warning, offline, live)

  let clearing = 0
  function notice() {
    const said = model.notice
    clearTimeout(clearing)
    live.replaceChildren()
    if (!said?.words) return
    const toast = document.createElement("div")
    toast.className = `toast ${said.kind}`
    const words = document.createElement("span")
    words.textContent = said.words
    const close = document.createElement("button")
    close.type = "button"
    close.textContent = "×"
    close.setAttribute("aria-label", model.words.dismiss)
    close.addEventListener("click", () => live.replaceChildren())
    toast.append(words, close)
    live.append(toast)
    if (said.kind !== "bad") clearing = setTimeout(() => live.replaceChildren(), 4000 + 50 * said.words.length)
  }
  model.on("notice", notice)

  // ------------------------------------------------------------------ the claim's time

  let ends = null
  let told = false
  function claimed() {
    ends = model.left === null ? null : performance.now() + model.left * 1000
    told = false
    tick()
  }
  function tick() {
    if (ends === null) {
      warning.hidden = true
      return
    }
    const left = Math.max(0, Math.round((ends - performance.now()) / 1000))
    const chip = deep(scope(), "[data-left]")
    if (chip) chip.textContent = left >= 60 ? `${Math.ceil(left / 60)} min left` : `${left} s left`
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`
    warning.hidden = left > WARN_SECONDS || left === 0
    if (!warning.hidden) warningText.textContent = `${model.words.ending} ${clock}`
    if (left === 0 && !told) {
      told = true
      send({ type: "lapsed" })
    }
  }
  model.on("left", claimed)
  const timer = setInterval(tick, 1000)

  let pinged = 0
  function active() {
    const now = performance.now()
    if (now - pinged < ACTIVE_EVERY) return
    pinged = now
    send({ type: "active" })
  }
  for (const kind of ["keydown", "pointerdown", "input"]) {
    document.addEventListener(kind, (event) => owns(event) && active(), { signal, capture: true, passive: true })
  }

  // ------------------------------------------------------------------ the address bar

  if (model.served) {
    window.addEventListener("popstate", () => send({ type: "popstate", query: location.search.slice(1) }), { signal })
    window.addEventListener("beforeunload", (event) => {
      const comment = deep(document, ".wq-comment >>> textarea")
      if (model.typed || comment?.value.trim()) event.preventDefault()
    }, { signal })
    model.on("title", () => { document.title = model.title })
  }

  // ------------------------------------------------------------------ light and dark

  const stored = (name) => { try { return localStorage.getItem(name) } catch { return null } }
  const store = (name, value) => { try { localStorage.setItem(name, value) } catch { /* private mode */ } }
  if (model.served && stored("wq-theme")) document.documentElement.dataset.theme = stored("wq-theme")
  function flip() {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches
    document.documentElement.dataset.theme = dark ? "light" : "dark"
    store("wq-theme", document.documentElement.dataset.theme)
  }

  // ------------------------------------------------------------------ the list of keys

  const help = document.createElement("dialog")
  help.setAttribute("aria-labelledby", "wq-keys")
  const title = document.createElement("h2")
  title.id = "wq-keys"
  title.textContent = model.words.keys
  const list = document.createElement("dl")
  for (const [key, words] of model.keys) {
    const term = document.createElement("dt")
    const kbd = document.createElement("kbd")
    kbd.textContent = key.length === 1 ? key.toUpperCase() : key
    term.append(kbd)
    const meaning = document.createElement("dd")
    meaning.textContent = words
    const line = document.createElement("div")
    line.append(term, meaning)
    list.append(line)
  }
  const single = document.createElement("label")
  const box = document.createElement("input")
  box.type = "checkbox"
  box.checked = stored("wq-keys") !== "off"
  box.addEventListener("change", () => store("wq-keys", box.checked ? "on" : "off"))
  single.append(box, document.createTextNode(` ${model.words.single}`))
  const shut = document.createElement("button")
  shut.type = "button"
  shut.textContent = model.words.close
  shut.addEventListener("click", () => help.close())
  help.append(title, list, single, shut)
  help.addEventListener("click", (event) => { if (event.target === help) help.close() })

  // ------------------------------------------------------------------ keys

  // What is to be focused may still be on its way from the server.
  function focus(selector, tries = 20) {
    const found = deep(scope(), selector)
    found?.focus()
    found?.select?.()
    if (!found && tries && !signal.aborted) setTimeout(() => focus(selector, tries - 1), 50)
  }
  const near = {
    "/": () => focus(".wq-search >>> input"),
    e: () => focus(".wq-value >>> input"),
    m: () => focus(".wq-comment >>> textarea"),
    t: () => { if (model.served) flip() },
    "?": () => help.showModal(),
  }
  const far = new Set("njkcsrxloduf[]")

  let deciding = "r"
  document.addEventListener("keydown", (event) => {
    if (!owns(event) || event.defaultPrevented || help.open) return
    const target = event.composedPath()[0]
    const typing = target.matches?.(TYPED)
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      target.blur?.()
      send({ type: "key", key: deciding })
      deciding = "r"
      event.preventDefault()
      return
    }
    if (event.key === "Escape") {
      deciding = typing ? deciding : "r"
      if (typing) target.blur()
      else send({ type: "key", key: "Escape" })
      return
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return
    if ((event.key === "Enter" || event.key === " ") && target.closest?.("button, a, summary")) return
    const step = { ArrowDown: "j", ArrowUp: "k" }[event.key]
    const table = step && event.composedPath().some((n) => n.classList?.contains("tabulator"))
    if (!table && stored("wq-keys") === "off" && event.key !== "?") return
    const key = table ? step : event.key.length === 1 ? event.key.toLowerCase() : event.key
    if (key in near) near[key]()
    else if (far.has(key) && (!event.repeat || "jk".includes(key))) {
      send({ type: "key", key })
      if (key === "x" || key === "o") {
        const text = deep(scope(), ".wq-comment >>> textarea")
        if (text && !text.value.trim()) {
          // The reason is typed first; Ctrl Enter then finishes what was begun.
          deciding = key
          text.focus()
        }
      }
    } else return
    event.preventDefault()
    event.stopPropagation()
  }, { signal, capture: true })

  // ------------------------------------------------------------------ clicks on what is text

  document.addEventListener("click", (event) => {
    if (!owns(event)) return
    const path = event.composedPath().filter((n) => n instanceof Element)
    const data = (name) => path.find((n) => n.dataset && name in n.dataset)?.dataset[name]
    if (data("item") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      send({ type: "open", id: Number(data("item")) })
      event.preventDefault()
    } else if (data("edit")) {
      send({ type: "edit", field: data("edit") })
    } else if (data("drop")) {
      send({ type: "drop", filter: data("drop") })
    } else if (data("do")) {
      const what = data("do")
      if (what === "keys") help.showModal()
      else if (what === "theme") flip()
      else send({ type: "do", what })
    } else {
      const row = path.find((n) => n.classList.contains("tabulator-row"))
      const cell = row?.querySelector('[tabulator-field="item"]')
      const column = path.find((n) => n.classList.contains("tabulator-col"))
      if (cell) send({ type: "open", id: Number(cell.textContent) })
      else if (column) send({ type: "sort", by: column.getAttribute("tabulator-field") })
    }
  }, { signal })

  // Commands from the server that need the browser.
  model.on("msg:custom", (message) => {
    if (message.focus) focus(message.focus)
    if ("push" in message && model.served) {
      const wanted = `${location.pathname}${message.push ? `?${message.push}` : ""}`
      if (`${location.pathname}${location.search}` !== wanted) history.pushState(null, "", wanted)
    }
  })

  // What Tabulator and Panel leave out for those who do not see the page: a grid whose parts are
  // its own, and regions that can be scrolled by keys.
  function mend() {
    for (const root of roots(scope())) {
      for (const grid of root.querySelectorAll(".tabulator")) {
        const holder = grid.querySelector(".tabulator-tableholder")
        grid.removeAttribute("aria-owns")
        grid.setAttribute("aria-label", model.words.table)
        holder?.setAttribute("role", "rowgroup")
        holder?.setAttribute("tabindex", "0")
        grid.querySelector(".tabulator-table")?.setAttribute("role", "presentation")
      }
      for (const record of root.querySelectorAll(".wq-record")) {
        record.setAttribute("tabindex", "0")
        record.setAttribute("role", "region")
        record.setAttribute("aria-label", model.words.record)
      }
      for (const region of root.querySelectorAll(".wq-region")) {
        region.setAttribute("tabindex", "0")
        region.setAttribute("role", "region")
        region.setAttribute("aria-label", region.shadowRoot?.querySelector("h2")?.textContent ?? "")
      }
    }
  }
  // Panel lets go of a change of width that comes while rows are drawn; the columns then stay as
  // wide as before and run out of sight.
  function refit() {
    for (const each of tables(view.root)) {
      const columns = [...(each.el.shadowRoot?.querySelectorAll(".tabulator-header .tabulator-col") ?? [])]
      const width = columns.reduce((sum, column) => sum + column.offsetWidth, 0)
      if (width > each.el.clientWidth + 2) each.redraw()
    }
  }
  const mending = setInterval(() => { mend(); refit() }, 1500)
  const widths = new ResizeObserver(() => setTimeout(refit, 150))
  widths.observe(view.root.el)
  setTimeout(mend, 300)

  if (model.served && window.Bokeh) {
    const lost = () => { offline.hidden = false }
    for (const document_ of window.Bokeh.documents ?? []) {
      document_.on_event?.("connection_lost", lost)
    }
  }

  model.on("remove", () => {
    life.abort()
    clearInterval(timer)
    clearInterval(mending)
    widths.disconnect()
  })
  claimed()
  notice()
  const box_ = document.createElement("div")
  box_.append(stack, help)
  return box_
}

function tables(view) {
  return [...(view.tabulator ? [view] : []), ...(view.child_views ?? []).flatMap(tables)]
}

function findDesk(el) {
  let node = el
  while (node) {
    if (node.classList?.contains("wq-desk")) return node.shadowRoot ?? node
    node = node.parentNode ?? node.host
  }
  return document
}
