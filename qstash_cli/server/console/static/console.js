// The parts of the console that need a script: times in the reader's zone, the keyboard, pausing
// the stream, and copying.
"use strict";

const stream = document.getElementById("stream");
const pause = document.getElementById("pause");
let isPaused = false;
let hasMissed = false;

function setPaused(paused) {
  isPaused = paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Paused" : "Live";
  if (!paused && hasMissed) {
    hasMissed = false;
    htmx.trigger(stream, "changed", {});
  }
}

pause.addEventListener("click", () => setPaused(!isPaused));
stream.addEventListener("htmx:sse:before:message", (event) => {
  if (event.detail.message.event === "changed") setClock(JSON.parse(event.detail.message.data));
  if (isPaused) {
    hasMissed = true;
    event.preventDefault();
  }
});
stream.addEventListener("htmx:sse:after:connection", () => stream.classList.remove("lost"));
for (const name of ["htmx:sse:error", "htmx:sse:close"]) {
  stream.addEventListener(name, () => stream.classList.add("lost"));
}

const clock = new Intl.DateTimeFormat(undefined, {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

// The server's clock may be ahead of the browser's, and faster.
let server;

function setClock({ nowMs = Date.now(), speed = 1 }) {
  server = { nowMs: Number(nowMs), speed: Number(speed), readAt: Date.now() };
}
setClock(document.body.dataset);

function serverNow() {
  return server.nowMs + (Date.now() - server.readAt) * server.speed;
}

function age(milliseconds) {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  const parts = seconds < 60 ? `${seconds} s`
    : seconds < 3600 ? `${Math.round(seconds / 60)} min`
    : seconds < 172800 ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86400)} days`;
  return milliseconds < 0 ? `in ${parts}` : `${parts} ago`;
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time")) {
    const moment = new Date(element.dateTime);
    element.textContent = element.classList.contains("age")
      ? age(serverNow() - moment) : clock.format(moment);
    element.title = moment.toISOString();
  }
}

document.addEventListener("htmx:after:swap", () => { showTimes(document); select(selected, false); });
setInterval(() => showTimes(document), 5000);
showTimes(document);

// A question about the selected entries names their number; without any, the server refuses.
document.addEventListener("htmx:confirm", (event) => {
  const { ctx, issueRequest } = event.detail;
  if (!ctx.confirm.includes("the selected entries")) return;
  const boxes = event.target.closest("form").querySelectorAll("input[name=id]:checked");
  const entries = boxes.length === 1 ? "1 entry" : `${boxes.length} entries`;
  ctx.confirm = ctx.confirm.replace("the selected entries", entries);
  if (boxes.length === 0) {
    event.preventDefault();
    issueRequest();
  }
});

let selected = -1;

function rows() {
  return [...document.querySelectorAll("table.rows tbody tr")];
}

function select(index, scrolls) {
  const all = rows();
  if (index < 0 || all.length === 0) return;
  selected = Math.min(index, all.length - 1);
  all.forEach((row, position) => row.classList.toggle("selected", position === selected));
  if (scrolls) {
    all[selected].querySelector("a").focus();
    all[selected].scrollIntoView({ block: "nearest" });
  }
}

const keys = {
  "/": () => document.getElementById("search")?.focus(),
  "?": () => document.getElementById("help").showModal(),
  j: () => select(selected + 1, true),
  k: () => select(Math.max(0, selected - 1), true),
  p: () => setPaused(!isPaused),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await navigator.clipboard.writeText(button.previousElementSibling.textContent);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

const charts = [
  { id: "rates", series: [["delivered", "--good"], ["errors", "--again"], ["failed", "--bad"]] },
  { id: "latency", series: [["p50", "--busy"], ["p99", "--again"]] },
];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function chartOptions(element, series) {
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 } };
  return {
    width: element.clientWidth, height: 220, axes: [axis, axis],
    series: [{}, ...series.map(([label, name]) => (
      { label, stroke: colour(name), width: 2, points: { size: 5 } }))],
  };
}

async function drawCharts() {
  const response = await fetch("/console/overview/data");
  if (!response.ok) return;
  const data = await response.json();
  for (const chart of charts) {
    const element = document.getElementById(chart.id);
    const columns = [data.times, ...chart.series.map(([name]) => data[name])];
    chart.plot ??= new uPlot(chartOptions(element, chart.series), columns, element);
    chart.plot.setData(columns);
  }
}

if (document.getElementById("rates")) {
  let isDrawing = false;
  const draw = async () => {
    if (isDrawing) return;
    isDrawing = true;
    try { await drawCharts(); } finally { setTimeout(() => { isDrawing = false; }, 1000); }
  };
  draw();
  stream.addEventListener("changed", draw);
  setInterval(draw, 5000);
  addEventListener("resize", () => charts.forEach(({ id, plot }) => plot?.setSize({
    width: document.getElementById(id).clientWidth, height: 220 })));
}
