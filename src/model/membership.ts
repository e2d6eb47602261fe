/**
 * What ranks and the recovery controller say to each other, over management links. The controller
 * looks after each EP group by itself. Who is in a group is its *membership*; every change of it is
 * an *epoch*, counted from 1: a run begins in epoch 0 with everybody in. A message has its epoch in
 * LAYER: an order that of the change which it prepares, a report that of the order it answers, or
 * the reporter's own.
 */

/** What a rank reports, in SLOT of a `report`. */
export const Report = {
  /** It gave the rank in TOKEN up; PSN: the fault. Of itself: it takes no further part. */
  gaveUp: 1,
  /** It can go no further without the rank in TOKEN and has stopped; PSN: the fault. */
  trapped: 2,
  /** It is out, and fit to be in. */
  hello: 3,
  /** It has heard the order to hold, and will hold before the step in TOKEN. */
  heard: 4,
  /** It holds before the step in TOKEN; if that is the last but one, it has finished. */
  holds: 5,
  /** It has taken up the new membership. */
  ready: 6,
  /** It refuses an order: another controller has ordered it into this epoch, or a later one. */
  stale: 7,
} as const;

/** What the controller orders, in SLOT of an `order`. */
export const Order = {
  /** Say that you heard, and hold before your next step, or stop at once (`mode`). */
  hold: 1,
  /** Run until the step `step`, and hold before it. */
  runTo: 2,
  /** Take up the membership; `step` is next. */
  takeUp: 3,
  /** Begin. */
  go: 4,
  /** The run is over for all that are in: nobody is admitted any more. */
  over: 5,
} as const;

/**
 * Words of an order's cargo; from {@link ORDER_RANKS} on there is one for each rank of the group.
 */
export const ORDER_STEP = 0;
/** 1: ranks stop at once, lose what they have open, and begin the step again. */
export const ORDER_ABORT = 1;
/** The fault that what is lost with that is lost to. */
export const ORDER_FAULT = 2;
export const ORDER_RANKS = 3;

/** What an order's word for a rank says, if it is not the fault for which the rank is out. */
export const IS_IN = -2;
/** It was out, and is in from this epoch on. */
export const COMES_IN = -3;

/**
 * The last epoch: queue pairs begin anew in the incarnation of the epoch's number, and have no more
 * of them. The controller does nothing after it.
 */
export const EPOCH_MAX = 127;
