import assert from "node:assert/strict";
import { FrameMap } from "../../../server/replay/frame_map.ts";

Deno.test("FrameMap tells every frame once, in as few runs as there can be", () => {
  const map = new FrameMap(10);
  map.set(0, 4, "A", "kernel");
  map.set(4, 2, "A", "kernel");
  map.set(8, 9, "", "free");
  map.set(1, 1, "B", "source");
  assert.deepEqual(map.runs(), [
    { pfn: 0, count: 1, owner: "A", class: "kernel" },
    { pfn: 1, count: 1, owner: "B", class: "source" },
    { pfn: 2, count: 4, owner: "A", class: "kernel" },
    { pfn: 6, count: 2, owner: "", class: "reserved" },
    { pfn: 8, count: 2, owner: "", class: "free" },
  ]);
});

Deno.test("FrameMap counts the frames of an owner that are not free", () => {
  const map = new FrameMap(8);
  map.set(0, 8, "A", "free");
  map.set(2, 3, "A", "user");
  assert.equal(map.countOf("A"), 3);
  assert.equal(map.countOf("nobody"), 0);
});

Deno.test("FrameMap leaves out what is past the end", () => {
  const map = new FrameMap(2);
  map.set(5, 1, "A", "kernel");
  assert.deepEqual(map.runs(), [{ pfn: 0, count: 2, owner: "", class: "reserved" }]);
  assert.deepEqual(new FrameMap(0).runs(), []);
});
