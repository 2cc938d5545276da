// isthmus.connector.v1.ConnectorService: the registered devices for people and tools.
//
//   ConnectorService service(&server->registry(), &store);
//   runtime.AddGrpcService(&service);
#ifndef ISTHMUS_SERVICES_CONNECTOR_SERVER_CONNECTOR_SERVICE_H_
#define ISTHMUS_SERVICES_CONNECTOR_SERVER_CONNECTOR_SERVICE_H_

#include "isthmus/connector/v1/connector.grpc.pb.h"
#include "services/connector/core/registration_store.h"
#include "services/connector/core/registry.h"

namespace isthmus::connector {

// Thread-safe.
class ConnectorService final : public v1::ConnectorService::CallbackService {
 public:
  // Both must outlive the service.
  ConnectorService(const Registry* registry, const RegistrationStore* store) : registry_(registry), store_(store) {}

  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context, const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) override;
  grpc::ServerUnaryReactor* GetDevice(grpc::CallbackServerContext* context, const v1::GetDeviceRequest* request,
                                      v1::GetDeviceResponse* response) override;

 private:
  const Registry* const registry_;
  const RegistrationStore* const store_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_SERVER_CONNECTOR_SERVICE_H_
