// The tables that MLflowDatabase puts into a new file.
#pragma once

namespace downbeat {

extern const char kMLflowRevision[];  // of MLflow's migrations, at which these tables are
extern const char kMLflowSchema[];

}  // namespace downbeat
