// Keeps one stream open to a target.
//
//   auto channel = service::MakeChannel(target, "", absl::Seconds(1));
//   SessionOpener opener(target, [channel] { return OpenStream(channel); },
//                        [&](std::shared_ptr<FrameStream> stream) { end.Attach(stream, /*opened_by_us=*/true); });
//
// It opens a stream and hands it over; when it is lost, it opens the next one after a back-off with jitter that grows
// while none comes up. The loss is logged once, and so is the return.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_SESSION_OPENER_H_
#define ISTHMUS_SERVICES_LIB_SESSION_SESSION_OPENER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "services/lib/session/session.h"

namespace isthmus::session {

struct OpenerOptions {
  absl::Duration shortest = absl::Milliseconds(100);
  absl::Duration longest = absl::Seconds(5);
  // A stream without a first frame from the other side by then is given up.
  absl::Duration first_frame_timeout = absl::Seconds(10);
  // The back-off starts anew after a stream that lived at least this long, so that two processes that take a session
  // from each other do not do it at full speed.
  absl::Duration steady_after = absl::Seconds(5);
};

// Owns a thread, on which `open` and `attach` are called. Thread-safe.
class SessionOpener {
 public:
  // `wanted` (null = always) is asked before each opening: with false it is asked again after `longest`. Use it when
  // the other side may open a session too: [&] { return !end.up(); }
  SessionOpener(std::string target, std::function<std::shared_ptr<FrameStream>()> open,
                std::function<void(std::shared_ptr<FrameStream>)> attach, std::function<bool()> wanted = nullptr,
                OpenerOptions options = {});
  // Ends the stream and waits until it has ended.
  ~SessionOpener();
  SessionOpener(const SessionOpener&) = delete;
  SessionOpener& operator=(const SessionOpener&) = delete;

 private:
  class State;
  const std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_SESSION_OPENER_H_
