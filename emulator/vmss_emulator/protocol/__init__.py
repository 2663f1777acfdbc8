"""What all services of Azure share: requests and answers, errors, pages, versions, limits."""
