// What all processes of a run ask for together: a flag that one of them set is set for all.
#pragma once

#include "trainer/distributed/process_group.h"
#include "trainer/requests.h"

namespace downbeat {

// The flags of all ranks; the signal with the highest number; the reason of the first rank that asks to stop. A
// collective, the same on every rank.
Requests agreed_requests(ProcessGroup& group, const Requests& mine);

}  // namespace downbeat
