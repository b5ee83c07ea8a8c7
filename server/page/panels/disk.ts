/**
 * What is durable, cached, torn: the disk at the cursor as strips, in words and as a table.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, svg, type TemplateResult } from "lit-html";
import type { DiskMap } from "../../api/shapes/machine.ts";
import type { PartContext } from "../model.ts";
import { cachesOf } from "./caches.ts";
import {
  cutSentence,
  fileSentence,
  type PartitionStrip,
  SECTOR_WORDS,
  type SectorState,
  segmentsOf,
  segmentText,
  spansOf,
  stripsOf,
} from "./disk_words.ts";
import { hint, momentLine, momentNote, obstacleTo, tableTwin } from "./parts.ts";
import { box, CELLS_UNITS, hasHatch, hatches, picture } from "./picture.ts";
import { sizeOf, type Span } from "./spans.ts";
import { countText, plural, sizeText } from "./words.ts";

const STRIP_UNITS = 22;
/** A few sectors of a large partition are still to be seen. */
const LEAST_UNITS = 1.5;
const TABLE_ROWS = 1_000;
/** Runs of a file that are named. */
const RUNS_NAMED = 3;
const STATES: readonly SectorState[] = ["durable", "cached", "torn"];

/** The sector that was chosen last; none before somebody points at one. */
const chosen = { sector: -1 };

type Segment = Span & { readonly state: SectorState };

/** Strips and segments of a map; made once a map. */
const STRIPS: WeakMap<DiskMap, readonly (readonly [PartitionStrip, readonly Segment[]])[]> =
  new WeakMap();

function segmentedStrips(map: DiskMap): readonly (readonly [PartitionStrip, readonly Segment[]])[] {
  const known = STRIPS.get(map);
  if (known !== undefined) return known;
  const made = stripsOf(map).map((strip) => [strip, segmentsOf(strip)] as const);
  STRIPS.set(map, made);
  return made;
}

function sectorsPath(strip: PartitionStrip, spans: readonly Span[], y: number, high: number) {
  const unit = CELLS_UNITS / strip.sectors;
  let path = "";
  for (const { from, to } of spans) {
    const width = Math.max(LEAST_UNITS, (to - from) * unit);
    path += box(Math.min((from - strip.first) * unit, CELLS_UNITS - width), y, width, high);
  }
  return path;
}

function sectors(state: SectorState, path: string): TemplateResult {
  return svg`<path class=${`sectors ${state}`} d=${path} />${
    hasHatch(state) ? svg`<path d=${path} fill=${`url(#disk-${state})`} />` : nothing
  }`;
}

function contentOf(
  strip: PartitionStrip,
  segments: readonly Segment[],
  index: number,
): TemplateResult {
  const segment = segments[index];
  return svg`<path class="strip-back" d=${box(0, 0, CELLS_UNITS, STRIP_UNITS)} />
    ${
    STATES.map((state) => {
      const path = sectorsPath(
        strip,
        segments.filter((one) => one.state === state),
        1,
        STRIP_UNITS - 2,
      );
      return path === "" ? nothing : sectors(state, path);
    })
  }
    ${
    segment === undefined ? nothing : svg`
      <path class="chosen"
        d=${sectorsPath(strip, [segment], 0.5, STRIP_UNITS - 1)} />
    `
  }`;
}

function counted({ sectors: all }: PartitionStrip, segments: readonly Segment[], map: DiskMap) {
  const parts = STATES.map((state) =>
    [sizeOf(segments.filter((one) => one.state === state)), state] as const
  ).filter(([count]) => count > 0)
    .map(([count, state]) => `${plural(count, "sector")} ${SECTOR_WORDS[state]}`);
  const what = parts.length === 0 ? "nothing but zeros" : parts.join(", ");
  return `${sizeText(all * map.sectorBytes)}: ${what}`;
}

function stripOf(
  context: PartContext,
  map: DiskMap,
  strip: PartitionStrip,
  segments: readonly Segment[],
): TemplateResult {
  const isChosen = chosen.sector >= strip.first && chosen.sector < strip.first + strip.sectors;
  const sector = isChosen ? chosen.sector : strip.first;
  const index = segments.findIndex(({ from, to }) => from <= sector && sector < to);
  const segment = segments[index];
  const text = segment === undefined ? "" : segmentText(segment, map.sectorBytes);
  return html`<li class="disk-strip"><h3>${strip.name}</h3>
    <p class="quiet">${counted(strip, segments, map)}</p>
    ${
    picture({
      name: `Sectors of ${strip.name}`,
      width: CELLS_UNITS,
      height: STRIP_UNITS,
      content: contentOf(strip, segments, isChosen ? index : -1),
      count: segments.length,
      chosen: index,
      text,
      at: (x) => segmentAt(strip, segments, x),
      leap: (from, way) => from + way * 10,
      choose: (to) => {
        chosen.sector = segments[to]?.from ?? strip.first;
        context.refresh();
      },
    })
  }
    ${isChosen ? html`<p class="readout" data-part="disk-readout">${text}</p>` : nothing}</li>`;
}

/** What is at a point: what is drawn wider than it is comes before what is empty around it. */
function segmentAt(strip: PartitionStrip, segments: readonly Segment[], x: number): number {
  const unit = CELLS_UNITS / strip.sectors;
  const sector = strip.first + Math.max(0, Math.min(CELLS_UNITS, x)) / unit;
  const exact = segments.findIndex(({ from, to }) => from <= sector && sector < to);
  if (segments[exact]?.state !== "empty") return exact;
  const near = LEAST_UNITS / unit;
  const wide = segments.findLastIndex(({ from, state }) =>
    state !== "empty" && from <= sector && sector < from + near
  );
  return wide < 0 ? exact : wide;
}

function runsText(runs: DiskMap["files"][number]["runs"]): string {
  const spans = spansOf(runs);
  const named = spans.slice(0, RUNS_NAMED).map(({ from, to }) =>
    to - from === 1 ? countText(from) : `${countText(from)}–${countText(to - 1)}`
  );
  const more = spans.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${plural(more, "more run")}` : ""}`;
}

/** What is at stake comes first. */
function rank({ state }: DiskMap["files"][number]): number {
  return state === "torn" ? 0 : state === "cached" ? 1 : 2;
}

const FILE_MARKS = { durable: "✓", cached: "◌", torn: "✗" } as const;

function filesOf(map: DiskMap): TemplateResult | typeof nothing {
  if (map.files.length === 0) return nothing;
  return html`
    <section>
      <h3>Files that count</h3>
      <ul class="files" data-part="disk-files">${[...map.files].sort((a, b) => rank(a) - rank(b))
        .map((file) =>
          html`<li class=${file.state}><span class="mark" aria-hidden="true">${
            FILE_MARKS[file.state]
          }</span>
        <div><code>${file.path}</code> <span class="quiet">partition ${file.partition},
        ${file.state}</span>
        <p>${fileSentence(map, file)}</p>
        ${
            file.runs.length === 0
              ? nothing
              : html`<p class="quiet">sectors ${runsText(file.runs)}</p>`
          }</div></li>`
        )}</ul>
    </section>
  `;
}

function legend(): TemplateResult {
  const words = {
    durable: "on the medium",
    cached: "waits in the drive's cache",
    torn: "torn or lost by a power cut",
  };
  return html`<ul class="legend">${
    (["durable", "cached", "torn"] as const).map((state) =>
      html`<li><svg class="swatch" viewBox="0 0 28 18" width="28" height="18" aria-hidden="true">${
        sectors(state, "M0 0h28v18h-28z")
      }</svg><span><strong>${state}</strong> <span class="quiet">${words[state]}</span></span></li>`
    )
  }</ul>`;
}

function twin(map: DiskMap): TemplateResult {
  const rows = segmentedStrips(map).flatMap(([strip, segments]) =>
    segments.filter(({ state }) => state !== "empty").map(({ from, to, state }) => [
      `${countText(from)}–${countText(to - 1)}`,
      strip.name,
      countText(to - from),
      SECTOR_WORDS[state],
    ])
  );
  return tableTwin("Disk", ["Sectors", "Partition", "Count", "What"], rows, TABLE_ROWS);
}

/** The pane. */
export function diskPane(context: PartContext): TemplateResult {
  const obstacle = obstacleTo(context, "the disk");
  const { state, source } = context;
  if (obstacle !== "" || state.run === undefined) return hint(obstacle);
  const { disk } = cachesOf(source);
  const shown = disk.want(state.run, state.cursor, context.refresh);
  const map = shown.value;
  return html`<div class="disk-pane" aria-busy=${shown.waiting}>
    <h2 class="sr">What is durable, cached, torn</h2>
    ${momentNote(shown, state.cursor, disk)}
    ${
    map === undefined ? nothing : html`
      <p class="lead" data-part="disk-sentence">${cutSentence(map)}</p>
      ${momentLine(map)}
      <svg class="defs" width="0" height="0" aria-hidden="true">${hatches("disk", STATES)}</svg>
      <ol class="strips">${segmentedStrips(map).map(([strip, segments]) =>
        stripOf(context, map, strip, segments)
      )}</ol>
      ${legend()}${filesOf(map)}${twin(map)}
      ${source.live
        ? html`<p><button type="button" class="tool" data-action="cut-here"
          @click=${() => context.update({ dialog: "cut" })}>Cut the power here …</button></p>`
        : nothing}
    `
  }</div>`;
}
