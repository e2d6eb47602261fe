/**
 * Entry point of a worker process, where the actors meet the cluster. Started by an agent, never by
 * hand.
 */
import { makeDevice } from "../actors/catalogue.ts";
import { exitFailed } from "../cluster/membership.ts";
import { runWorker } from "../cluster/worker.ts";

runWorker(makeDevice).catch(exitFailed);
