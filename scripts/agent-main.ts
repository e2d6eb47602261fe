/** Entry point of a host agent. Started by a run, never by hand. */
import { runAgent } from "../cluster/agent.ts";
import { exitFailed } from "../cluster/membership.ts";
import { processMains } from "./commands/package-files.ts";

runAgent(processMains()).catch(exitFailed);
