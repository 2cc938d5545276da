#include "services/connector/server/connector_service.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace isthmus::connector {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kLargestPage = 1000;
// What any client of gRPC receives is 4 MiB; one registration is far below the rest.
constexpr size_t kMostPageOctets = 3 << 20;

}  // namespace

grpc::ServerUnaryReactor* ConnectorService::ListDevices(grpc::CallbackServerContext* context,
                                                        const v1::ListDevicesRequest* request,
                                                        v1::ListDevicesResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (request->page_size() < 0) {
    reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "page_size is 1..1000, or 0 for the default"));
    return reactor;
  }
  const int wanted = request->page_size() == 0 ? kDefaultPage : std::min<int>(request->page_size(), kLargestPage);
  const size_t limit = static_cast<size_t>(wanted);
  // The token is the last endpoint name of the page before: devices may come and go in between.
  const std::vector<DevicePtr> devices = registry_->List(request->page_token(), limit + 1);
  size_t octets = 0, listed = 0;
  while (listed < std::min(limit, devices.size()) && octets < kMostPageOctets) {
    octets += devices[listed]->registration.ByteSizeLong();
    *response->add_devices() = devices[listed++]->registration;
  }
  if (devices.size() > listed) response->set_next_page_token(devices[listed - 1]->endpoint());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* ConnectorService::GetDevice(grpc::CallbackServerContext* context,
                                                      const v1::GetDeviceRequest* request,
                                                      v1::GetDeviceResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const DevicePtr device = registry_->FindByEndpoint(request->endpoint());
  if (device == nullptr) {
    reactor->Finish(
        grpc::Status(grpc::StatusCode::NOT_FOUND, absl::StrCat("no device '", request->endpoint(), "' is registered")));
    return reactor;
  }
  *response->mutable_device() = device->registration;
  for (const StoredObservation& observation : store_->ObservationsOf(request->endpoint())) {
    *response->add_observed() = observation.path;
  }
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace isthmus::connector
