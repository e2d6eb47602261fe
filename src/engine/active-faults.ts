/**
 * By actor or lane, the faults that act on it now, in the order in which they began to. Only what a
 * fault ever touched is held.
 */

const NONE: readonly number[] = [];

export class ActiveFaults {
  readonly #faults = new Map<number, readonly number[]>();

  /** Faults that act on an actor or lane. */
  of(place: number): readonly number[] {
    return this.#faults.get(place) ?? NONE;
  }

  /** Adds a fault, if it is not there. */
  add(place: number, fault: number): void {
    const faults = this.of(place);
    if (!faults.includes(fault)) this.#faults.set(place, [...faults, fault]);
  }

  /** Removes a fault, if it is there. */
  remove(place: number, fault: number): void {
    this.#faults.set(
      place,
      this.of(place).filter((one) => one !== fault),
    );
  }

  /** Places on which some fault acts, ascending; for checks. */
  get places(): number[] {
    const places = [...this.#faults].filter(([, faults]) => faults.length > 0);
    return places.map(([place]) => place).sort((left, right) => left - right);
  }
}
