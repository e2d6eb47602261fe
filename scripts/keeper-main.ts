/** Entry point of a keeper of leases. Started by a run, never by hand. */
import { runLeaseKeeper } from "../cluster/lease-keeper.ts";

runLeaseKeeper();
