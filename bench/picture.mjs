/** The picture of the bench: one bar a client, drawn as plain SVG that follows the reader's light or dark page. */

const width = 860;
const labels = 210;
const figures = 190;
const top = 74;
const step = 28;
const thickness = 18;

/** @param {string} text */
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

const style = `
    text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f; }
    .title { font-size: 16px; font-weight: 600; }
    .quiet { fill: #656d76; font-size: 12px; }
    .bar { fill: #afb8c1; }
    .bar.ours { fill: #0969da; }
    text.ours { font-weight: 600; }
    .spread { stroke: #656d76; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .quiet { fill: #8d96a0; }
      .bar { fill: #484f58; }
      .bar.ours { fill: #4493f8; }
      .spread { stroke: #8d96a0; }
    }`;

/**
 * @param {import('./report.mjs').Results} results
 * @returns {string}
 */
export function picture({ setting, calls = [] }) {
  const height = top + calls.length * step + 34;
  const longest = Math.max(...calls.map(({ cpu }) => Math.max(cpu.median, cpu.q3)));
  const scale = (width - labels - figures) / longest;
  const bars = calls.map(({ title, ours, cpu, toPool, toFetch }, i) => {
    const y = top + i * step;
    const middle = y + thickness / 2;
    const mark = ours ? ' ours' : '';
    const at = (/** @type {number} */ us) => (labels + us * scale).toFixed(1);
    const end = labels + Math.max(cpu.median, cpu.q3) * scale + 8;
    const ratios = `${toPool?.median.toFixed(2)}× · ${toFetch?.median.toFixed(2)}×`;
    return `
  <text class="name${mark}" x="${labels - 10}" y="${middle + 4.5}" text-anchor="end">${escaped(title)}</text>
  <rect class="bar${mark}" x="${labels}" y="${y}" width="${(cpu.median * scale).toFixed(1)}" height="${thickness}" rx="2"/>
  <line class="spread" x1="${at(cpu.q1)}" x2="${at(cpu.q3)}" y1="${middle}" y2="${middle}"/>
  <text class="figure${mark}" x="${end.toFixed(1)}" y="${middle + 4.5}">${Math.round(cpu.median)} µs <tspan class="quiet" dx="4">${ratios}</tspan></text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">
  <title id="t">CPU per small JSON request, by client</title>
  <desc id="d">${escaped(calls.map(({ title, cpu }) => `${title} ${Math.round(cpu.median)} µs`).join(', '))}</desc>
  <style>${style}
  </style>
  <text class="title" x="16" y="28">CPU per small JSON request</text>
  <text class="quiet" x="16" y="50">microseconds of the client’s process, median; multiples of undici Pool.request · of global fetch; lines: middle half of the rounds</text>${bars.join('')}
  <text class="quiet" x="16" y="${height - 12}">Node ${setting.node}, undici ${setting.benchUndici}, 32 requests in flight on 127.0.0.1, each client in a process of its own, rounds interleaved</text>
</svg>
`;
}
