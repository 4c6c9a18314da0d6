// A long list of which a part is elements: what was never asked for, or was scrolled away from, costs nothing.

// So many items are shown without being asked for, so many at most, and so many are made between two frames.
export const USUAL = 500;
const MOST = 1500;
const PER_FRAME = 100;

export class Windowed {
  /** `make(item)` gives an item's element. */
  constructor(list, make) {
    [this.list, this.make] = [list, make];
    this.show([]);
  }

  /** Shows other items, from the first one on. */
  show(items) {
    this.items = items;
    this.moveTo(0);
  }

  get before() {
    return this.from;
  }

  get after() {
    return this.items.length - this.to;
  }

  /** Makes some of what is still to be shown; true where more is. The newest are shown, or the first ones stay. */
  step({ newest }) {
    if (newest && this.after > USUAL) this.moveTo(this.items.length - USUAL);
    const goal = newest ? this.items.length : Math.min(this.items.length, this.from + this.room);
    this.append(Math.min(goal, this.to + PER_FRAME));
    if (newest && this.to - this.from > 2 * USUAL) this.cutTop(this.to - USUAL);
    return this.to < goal;
  }

  /** From now on nothing is shown beyond what is there, but for a usual number. */
  hold() {
    this.room = Math.max(USUAL, this.to - this.from);
  }

  /** Shows some that come before; gives the one that was the first. */
  earlier() {
    const first = this.list.firstElementChild;
    const from = Math.max(0, this.from - USUAL);
    this.list.prepend(this.made(from, this.from));
    this.from = from;
    while (this.to - this.from > MOST) { this.list.lastElementChild.remove(); this.to -= 1; }
    this.hold();
    return first;
  }

  /** Shows some that come after; gives the first of them. */
  later() {
    const last = this.list.lastElementChild;
    this.append(Math.min(this.items.length, this.to + USUAL));
    if (this.to - this.from > MOST) this.cutTop(this.to - MOST);
    this.hold();
    return last?.nextElementSibling ?? this.list.firstElementChild;
  }

  /** Makes an item's element anew where it is shown; one that was unfolded stays so. */
  refresh(at) {
    if (at < this.from || at >= this.to) return;
    const old = this.list.children[at - this.from];
    const fresh = this.make(this.items[at]);
    const [was, is] = [old.querySelector("details"), fresh.querySelector("details")];
    if (was?.open && is) is.open = true;
    const focused = old.contains(document.activeElement);
    old.replaceWith(fresh);
    if (focused) fresh.querySelector("summary")?.focus();
  }

  moveTo(at) {
    this.list.replaceChildren();
    [this.from, this.to, this.room] = [at, at, USUAL];
  }

  append(until) {
    this.list.append(this.made(this.to, until));
    this.to = until;
  }

  made(from, to) {
    const part = document.createDocumentFragment();
    for (let at = from; at < to; at += 1) part.append(this.make(this.items[at]));
    return part;
  }

  cutTop(to) {
    for (; this.from < to; this.from += 1) this.list.firstElementChild.remove();
  }
}
