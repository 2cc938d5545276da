// Looks at the Hello of a stream before somebody takes it: a synchronizer with several LwM2M Servers finds out which of
// its InCseEnds a stream is for.
//
//   ReadHello(stream, [&](const v1::Hello& hello, std::shared_ptr<FrameStream> stream) {
//     EndOf(hello.peer()).Attach(stream, /*opened_by_us=*/false);
//   });
//
// The stream that is handed on delivers the Hello once more, as its first frame. A stream whose first frame is
// something else gets Bye and ends with FAILED_PRECONDITION. `on_hello` runs on the stream's thread, at most once; a
// stream that it does not keep ends.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_HELLO_H_
#define ISTHMUS_SERVICES_LIB_SESSION_HELLO_H_

#include <functional>
#include <memory>

#include "services/lib/session/session.h"

namespace isthmus::session {

void ReadHello(std::shared_ptr<FrameStream> stream,
               std::function<void(const v1::Hello& hello, std::shared_ptr<FrameStream> stream)> on_hello);

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_HELLO_H_
